"""A page with what the dashboard lacks: an upload, a download, a slider, a state of its own."""

import hashlib

import streamlit

state = streamlit.session_state
streamlit.title("Widgets")
state.setdefault("runs", 0)
state.runs += 1
if streamlit.button("Count"):
    state.count = state.get("count", 0) + 1
streamlit.markdown(f"count is {state.get('count', 0)}")
amount = streamlit.slider("Amount", 0, 1000, 500)
streamlit.markdown(f"amount is {amount}")
file = streamlit.file_uploader("A file")
if file is not None:
    content = file.getvalue()
    streamlit.markdown(f"digest {hashlib.sha256(content).hexdigest()} of {len(content)} bytes")
    streamlit.download_button("Give it back", content, file_name="back.bin")
