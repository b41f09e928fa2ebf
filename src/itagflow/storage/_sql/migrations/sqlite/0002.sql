-- Pre-labels are counted.

ALTER TABLE package ADD COLUMN prelabeled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE package ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0;
