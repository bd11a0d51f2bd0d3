"""What the archive's services say, as functions of a request: MAST's portal, mission search, files, resolver."""
