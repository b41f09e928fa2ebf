"""What the stores on SQL databases share: rows, statements, transactions, forks, migrations."""
