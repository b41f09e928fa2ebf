"""Due times: set, listed, and applied when they have passed; and the board of a job."""
