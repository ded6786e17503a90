"""A vLLM server answers: the same prompts and the same grammars, over its OpenAI-compatible API.

`backend` is the backend, `served` what is known of the model here, `question` a window as a request of the API,
`server` the connection with its patience, `reply` what came back, `checking` holds it against the grammar once more,
and `handshake` finds out, before any document is sent, whether the server keeps to grammars at all.
"""
