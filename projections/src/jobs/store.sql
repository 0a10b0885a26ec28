-- Writes rows of jobs, given as one JSON array of objects whose names are the columns.
insert into jobs
select * from jsonb_populate_recordset(null::jobs, $1)
order by id
on conflict (id) do update set
    -- What the submission set never changes: kind, subject, runner, attempts and parameters.
    status = excluded.status,
    worker = excluded.worker,
    percent = excluded.percent,
    message = excluded.message,
    result = excluded.result,
    reason = excluded.reason,
    version = excluded.version,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    updated_at = excluded.updated_at,
    recorded_at = excluded.recorded_at
