"""What carrying Streamlit over plain HTTP costs, beside its own WebSocket."""
