"""The SURGE model: the paper's four parts, one file each, put together in `surge.py`."""
