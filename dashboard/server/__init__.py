"""The dashboard as one ASGI app: Streamlit, and around it health, headers, sign-in, transport."""
