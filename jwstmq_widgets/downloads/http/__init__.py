"""HTTP as downloads speak it: connections that are kept, and what comes along them."""
