"""The Streamlit app: a client of the API."""
