-- Whether a member has a turn on a package is asked by one index, which has all that is asked for: without statistics,
-- as after a big load, the server would take the index of all that the member ever did for as good.

DROP INDEX assignment_package;
CREATE INDEX assignment_package ON assignment (job, package, member, stage, state);

-- Whether a package was the last open one is asked by an index over the open ones, however many are finished.

ALTER TABLE package ADD COLUMN open BIGINT NOT NULL DEFAULT 0;
UPDATE package SET open = 1 WHERE state IN ('label', 'inspect', 'accept');
CREATE INDEX package_open ON package (job, number) WHERE open = 1;
