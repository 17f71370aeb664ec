"""How raw files come to HDFS, `/raw/<kind>/<D>/`: whole, verified, and listed in a manifest that is written last."""
