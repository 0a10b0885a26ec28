/** A live table of jobs. */
import { useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";
import { Link } from "react-router";

import { useLive } from "../live/use";
import { Progress, Status, Time } from "../ui/format";
import { Grid, type Column } from "../ui/grid";
import { useMutation } from "../ui/mutate";
import { Button, Dialog, Failure, TextField } from "../ui/parts";
import { CancelJob, type Job } from "./documents";
import { jobList, type JobQuery } from "./source";

export function JobTable({ query, isShort = false }: { query: JobQuery; isShort?: boolean }) {
  const intl = useIntl();
  const live = useLive(JSON.stringify(query), () => jobList(query));
  const [cancelling, setCancelling] = useState<Job | null>(null);
  const title = (id: string) => <FormattedMessage id={id} />;
  const columns: readonly Column<Job>[] = [
    { key: "kind", title: title("job.kind"), width: "1.2fr", cell: (row) => row.kind },
    { key: "status", title: title("job.status"), width: "7rem", cell: (row) => <Status of={row.status} /> },
    {
      key: "progress",
      title: title("job.progress"),
      width: "10rem",
      cell: (row) => <Progress percent={row.percent} label={intl.formatMessage({ id: "job.progress" })} />,
    },
    { key: "message", title: title("job.message"), width: "2fr", cell: (row) => row.reason ?? row.message },
    {
      key: "droplet",
      title: title("job.droplet"),
      width: "6rem",
      cell: (row) => row.dropletId && <Link to={`/droplets/${row.dropletId}`}>{row.dropletId.slice(-8)}</Link>,
    },
    { key: "created", title: title("job.created"), width: "8rem", cell: (row) => <Time at={row.createdAt} /> },
    {
      key: "cancel",
      title: <span className="visually-hidden">{title("job.cancel")}</span>,
      width: "6rem",
      cell: (row) =>
        (row.status === "SUBMITTED" || row.status === "RUNNING") && (
          <Button tone="plain" onPress={() => setCancelling(row)}>
            <FormattedMessage id="job.cancel" />
          </Button>
        ),
    },
  ];
  return (
    <>
      {live.failure && <Failure of={live.failure} onRetry={live.retry} />}
      <Grid
        label={intl.formatMessage({ id: "nav.jobs" })}
        rows={live.rows}
        columns={columns}
        hasMore={live.hasMore}
        isLoading={live.isLoading}
        onMore={live.more}
        isShort={isShort}
      />
      {cancelling && <Cancel job={cancelling} onClose={() => setCancelling(null)} onDone={live.written} />}
    </>
  );
}

function Cancel({ job, onClose, onDone }: { job: Job; onClose(): void; onDone(job: Job): void }) {
  const intl = useIntl();
  const [reason, setReason] = useState("");
  const cancel = useMutation(CancelJob);
  const run = async () => {
    const done = await cancel.run({ id: job.id, reason });
    if (done?.job) {
      onDone(done.job);
      onClose();
    }
  };
  return (
    <Dialog title={`${intl.formatMessage({ id: "job.cancel" })}: ${job.kind}`} isOpen onClose={onClose}>
      <TextField label={intl.formatMessage({ id: "job.cancelReason" })} value={reason} onChange={setReason} error={cancel.errorAt("reason")} autoFocus />
      {cancel.failure && <Failure of={cancel.failure} />}
      {cancel.errorsBeside(["reason"]).map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
      <div className="row">
        <Button tone="danger" onPress={() => void run()} isDisabled={cancel.isRunning}>
          <FormattedMessage id="job.cancel" />
        </Button>
        <Button onPress={onClose}>
          <FormattedMessage id="close" />
        </Button>
      </div>
    </Dialog>
  );
}
