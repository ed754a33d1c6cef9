"""Which attributes hold contents of messages: prompts, answers, arguments and results of tools.

Names are those of the semantic conventions for generative AI, of OpenLLMetry and of OpenInference.
"""

import re
from functools import lru_cache

CONTENT = re.compile(
    r"gen_ai\.(?:input|output)\.messages|gen_ai\.system_instructions|gen_ai\.(?:prompt|completion|event\.content)\b.*"
    r"|gen_ai\.tool\.(?:definitions|call\.(?:arguments|result))|gen_ai\.(?:user|system|assistant|tool)\.message\b.*"
    r"|gen_ai\.choice\b.*|gen_ai\.retrieval\.(?:query|documents).*|(?:llm|mcp)\.request\.functions\b.*|llm\.(?:prompts|completions)\b.*"
    r"|llm\.(?:input|output)_messages\b.*|llm\.(?:prompt_template|tools|invocation_parameters)\b.*"
    r"|(?:input|output)\.value|traceloop\.entity\.(?:input|output)|tool\.(?:parameters|arguments|json_schema)"
    r"|(?:retrieval|reranker|embedding|document|message)\..*"
    r"|process\.command_args"  # a secret after its option is an item of its own here, which no pattern recognises
)
DESCRIPTION = re.compile(r".*\.(?:role|finish_reason|finish_reasons|id|name|type|model_name|score)")
"""Ends of names of the same families that say nothing of the content."""
ARGUMENTS = frozenset(
    {"gen_ai.tool.call.arguments", "tool.parameters", "tool.arguments", "input.value", "traceloop.entity.input"}
)
"""Attributes that hold the arguments of a tool, in a span of one."""
EVENTS = "gen_ai."
"""Names of events whose body is a message begin with this."""


@lru_cache(maxsize=4096)
def is_content(name: str) -> bool:
    """Whether an attribute of this name holds the content of a message."""
    return CONTENT.fullmatch(name) is not None and DESCRIPTION.fullmatch(name) is None
