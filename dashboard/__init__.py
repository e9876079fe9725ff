"""The dashboard: a Streamlit app that reads the gold views through Athena."""
