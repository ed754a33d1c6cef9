"""Runs an agent of the package openai-agents: it calls a tool, and answers."""

import os

import agents
import openai

agents.set_default_openai_client(
    openai.AsyncOpenAI(base_url=os.environ["MODEL_URL"], api_key="sk-none"), use_for_tracing=False
)
agents.set_default_openai_api("chat_completions")


@agents.function_tool
def search(query: str) -> str:
    """Search the web."""
    return f"my secret answer to {query}"


agent = agents.Agent(name="researcher", instructions="my secret prompt", model="gpt-5", tools=[search])
agents.Runner.run_sync(agent, "my secret prompt")
