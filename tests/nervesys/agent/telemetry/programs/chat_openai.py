"""Calls a model by the package openai: once with success, once rate limited."""

import os
from contextlib import suppress

import openai

client = openai.OpenAI(base_url=os.environ["MODEL_URL"], api_key="sk-abcdefghijklmnopqrstuvwxyz", max_retries=0)
for model in ("gpt-5", "limited"):
    with suppress(openai.RateLimitError):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "my secret prompt"}])
