-- Clients see the log of their own organization only: it names the organization of every event.
alter table es.log enable row level security;
create policy of_organization on es.log for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
