"""Calls a model by the package anthropic: once with success, once rate limited."""

import os
from contextlib import suppress

import anthropic

url = os.environ["MODEL_URL"].removesuffix("/v1")
client = anthropic.Anthropic(base_url=url, api_key="sk-ant-abcdefghijklmnopqrstuvwxyz", max_retries=0)
for model in ("claude-5", "limited"):
    with suppress(anthropic.RateLimitError):
        client.messages.create(model=model, max_tokens=100, messages=[{"role": "user", "content": "my secret prompt"}])
