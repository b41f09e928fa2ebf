"""What the tests share: ready-made workspaces, faulty stores, servers, and what other processes run."""
