// Google's client for Python ends the lines of a multipart body with LF, which Google takes and the emulator does not.
const express = require("express");
const { createApp } = require("google-drive-mock");

const HEADS = /\n?(--[^\n]+)\n((?:[\w-]+: [^\n]*\n)+)\n|\n(--[^\n]+--)\n?$/g;

// Google refuses now and then: `POST /refuse/TIMES/REASON` makes the next requests be refused so.
let refusals = [];

const app = express();
app.post("/refuse/:times/:reason", (request, response) => {
  refusals = Array(Number(request.params.times)).fill(request.params.reason);
  response.json({});
});
app.use((request, response, next) => {
  const reason = refusals.pop();
  if (reason === undefined) return next();
  response.status(403).json({ error: { code: 403, message: "no", errors: [{ reason }] } });
});
// All lies on a shared drive, as what a service account writes must: who does not say that it knows these finds nothing.
app.use(["/drive/v3/files", "/drive/v3/changes", "/upload"], (request, response, next) => {
  if (request.query.supportsAllDrives === "true") return next();
  response.status(404).json({ error: { code: 404, message: "File not found", errors: [{ reason: "notFound" }] } });
});
// Google sends of a file the part that is asked for; the emulator sends it whole.
app.use("/drive/v3/files", (request, response, next) => {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (!range || request.query.alt !== "media") return next();
  const [first, last] = [Number(range[1]), Number(range[2])];
  const send = response.send.bind(response);
  response.send = (body) => {
    const whole = Buffer.from(body);
    const part = whole.subarray(first, last + 1);
    response.send = send;
    delete request.headers.range; // express would look at it again
    response.setHeader("Content-Range", `bytes ${first}-${first + part.length - 1}/${whole.length}`);
    return response.status(206).send(part);
  };
  next();
});
app.use("/upload", express.text({ type: "multipart/related" }), (request, _, next) => {
  if (typeof request.body === "string") {
    request.body = request.body.replace(HEADS, (head) => head.replaceAll("\n", "\r\n"));
  }
  next();
});
app.use(createApp());
const server = app.listen(0, "127.0.0.1", () => console.log("port", server.address().port));
