"""An archive of JWST on loopback, that speaks MAST's protocols."""
