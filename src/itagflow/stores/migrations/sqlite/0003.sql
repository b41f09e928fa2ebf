-- Whether a package was the last open one is asked by an index over the open ones, however many are finished.

ALTER TABLE package ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
UPDATE package SET open = 1 WHERE state IN ('label', 'inspect', 'accept');
CREATE INDEX package_open ON package (job, number) WHERE open = 1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('package', 'package_open', '500000 5000 1');
