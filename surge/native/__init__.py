"""C++ that is compiled on the user's machine at first use, and what calls it; torch does the work where it can't be."""
