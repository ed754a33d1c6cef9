// Calls a model by the package openai: once with success, once rate limited.
const OpenAI = require("openai").default;

const client = new OpenAI({ baseURL: process.env.MODEL_URL, apiKey: "sk-abcdefghijklmnopqrstuvwxyz", maxRetries: 0 });

async function main() {
  for (const model of ["gpt-5", "limited"]) {
    await client.chat.completions
      .create({ model, messages: [{ role: "user", content: "my secret prompt" }] })
      .catch((err) => console.log(err.status));
  }
  await new Promise((resolve) => setTimeout(resolve, 1500)); // the exporter sends every half second
}

main();
