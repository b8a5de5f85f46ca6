// One answer of a model with its feedback, for React 18 and 19. No build step: `createElement` in place of JSX.
import { createElement, useEffect, useRef, useState } from "react";
import { attach, fromResponse } from "/backtalk/feedback.js";

/** Asks the model through Backtalk and shows the answer as it streams in. */
export function Answer({ baseUrl, apiKey, messages }) {
  const [text, setText] = useState("");
  const [said, setSaid] = useState(null); // token and ask, known with the head of the response
  const [finish, setFinish] = useState(null);

  useEffect(() => {
    const stopping = new AbortController();
    stream(baseUrl, apiKey, messages, stopping.signal, setSaid, (piece) => setText((before) => before + piece))
      .then(setFinish, () => undefined);
    return () => { stopping.abort(); setText(""); setSaid(null); };
  }, [baseUrl, apiKey, messages]);

  return createElement("article", null,
    createElement("p", { className: "answer", "aria-live": "polite", "data-finish": finish }, text),
    said && said.token && createElement(Feedback, { key: said.token, text, finish, url: baseUrl.replace(/\/v1$/, ""), ...said }));
}

/** The buttons live in an element of their own: React never meets them. */
function Feedback({ token, ask, url, text, finish }) {
  const place = useRef(null);
  const bound = useRef(null);
  const latest = useRef(text);
  latest.current = text;

  useEffect(() => {
    const options = { token, ask, url, container: place.current, text: () => latest.current, streaming: true };
    bound.current = attach(place.current.previousElementSibling, options);
    return () => bound.current.detach();
  }, [token, ask, url]);
  useEffect(() => { if (finish) bound.current.done(finish); }, [finish]);

  return createElement("div", { ref: place });
}

async function stream(baseUrl, apiKey, messages, signal, onHead, onPiece) {
  const response = await fetch(baseUrl + "/chat/completions", {
    method: "POST", signal, body: JSON.stringify({ model: "gpt-4o-mini", stream: true, messages }),
    headers: { "content-type": "application/json", authorization: "Bearer " + apiKey },
  });
  onHead(fromResponse(response));
  let rest = "";
  let finish = "stop";
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + bytes).split("\n");
    rest = lines.pop();
    for (const line of lines.filter((one) => one.startsWith("data: {"))) {
      const choice = JSON.parse(line.slice(6)).choices[0];
      if (choice && choice.delta.content) onPiece(choice.delta.content);
      if (choice && choice.finish_reason) finish = choice.finish_reason;
    }
  }
  return finish;
}
