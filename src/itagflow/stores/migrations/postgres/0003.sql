
-- Whether a member has a turn on a package is asked by one index, which has all that is asked for: without statistics,
-- as after a big load, the server would take the index of all that the member ever did for as good.

DROP INDEX assignment_package;
CREATE INDEX assignment_package ON assignment (job, package, member, stage, state);
