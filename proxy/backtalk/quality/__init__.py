"""How much is known of the answers, and how surely: rows of the ledger come in, figures with intervals go out."""
