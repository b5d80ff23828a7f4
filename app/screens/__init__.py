"""The pages, one file each. Not in a folder named `pages`: Streamlit would take its files for scripts to run alone."""
