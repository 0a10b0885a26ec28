/** The clusters: a list, and a form for a new one. */
import { useState, type FormEvent } from "react";
import { FormattedMessage, useIntl } from "react-intl";
import { Link } from "react-router";

import { CreateCluster, DeleteCluster, type Cluster } from "../clusters/documents";
import { clusterList } from "../clusters/source";
import { useLive } from "../live/use";
import { Status, Time } from "../ui/format";
import { Grid, type Column } from "../ui/grid";
import { useMutation } from "../ui/mutate";
import { Button, Dialog, Failure, Freshness, TextField } from "../ui/parts";

export default function Clusters() {
  const intl = useIntl();
  const live = useLive("clusters", clusterList);
  const [isCreating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<Cluster | null>(null);
  const title = (id: string) => <FormattedMessage id={id} />;
  const columns: readonly Column<Cluster>[] = [
    { key: "name", title: title("droplet.name"), width: "1.5fr", cell: (row) => <Link to={`/droplets?cluster=${row.id}`}>{row.name}</Link> },
    { key: "status", title: title("droplet.status"), width: "8rem", cell: (row) => <Status of={row.status} /> },
    { key: "nodes", title: title("cluster.nodes"), width: "8rem", cell: (row) => `${row.minimumNodes}–${row.maximumNodes}` },
    { key: "description", title: title("cluster.description"), width: "2fr", cell: (row) => row.description },
    { key: "created", title: title("droplet.created"), width: "8rem", cell: (row) => <Time at={row.createdAt} /> },
    {
      key: "delete",
      title: <span className="visually-hidden">{title("droplet.delete")}</span>,
      width: "6rem",
      cell: (row) => (
        <Button tone="plain" onPress={() => setDeleting(row)}>
          {title("droplet.delete")}
        </Button>
      ),
    },
  ];
  return (
    <>
      <div className="head">
        <h1>{title("nav.clusters")}</h1>
        <Freshness live={live} />
        <span className="grow" />
        <Button tone="primary" onPress={() => setCreating(true)}>
          {title("cluster.create")}
        </Button>
      </div>
      {live.failure && <Failure of={live.failure} onRetry={live.retry} />}
      <Grid
        label={intl.formatMessage({ id: "nav.clusters" })}
        rows={live.rows}
        columns={columns}
        hasMore={live.hasMore}
        isLoading={live.isLoading}
        onMore={live.more}
      />
      {isCreating && <Create onClose={() => setCreating(false)} onDone={live.written} />}
      {deleting && <Delete cluster={deleting} onClose={() => setDeleting(null)} onDone={live.written} />}
    </>
  );
}

function Create({ onClose, onDone }: { onClose(): void; onDone(cluster: Cluster): void }) {
  const intl = useIntl();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const create = useMutation(CreateCluster);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await create.run({ name, description });
    if (done?.cluster) {
      onDone(done.cluster);
      onClose();
    }
  };
  return (
    <Dialog title={intl.formatMessage({ id: "cluster.create" })} isOpen onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <TextField label={intl.formatMessage({ id: "droplet.name" })} value={name} onChange={setName} error={create.errorAt("name")} isRequired autoFocus />
        <TextField label={intl.formatMessage({ id: "cluster.description" })} value={description} onChange={setDescription} error={create.errorAt("description")} />
        {create.failure && <Failure of={create.failure} />}
        {create.errorsBeside(["name", "description"]).map((sentence) => (
          <p className="error" role="alert" key={sentence}>
            {sentence}
          </p>
        ))}
        <div className="row">
          <Button tone="primary" type="submit" isDisabled={create.isRunning}>
            <FormattedMessage id="cluster.create" />
          </Button>
          <Button onPress={onClose}>
            <FormattedMessage id="cancel" />
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ cluster, onClose, onDone }: { cluster: Cluster; onClose(): void; onDone(cluster: Cluster): void }) {
  const intl = useIntl();
  const remove = useMutation(DeleteCluster);
  const run = async () => {
    const done = await remove.run({ id: cluster.id });
    if (done?.cluster) {
      onDone(done.cluster);
      onClose();
    }
  };
  return (
    <Dialog title={`${intl.formatMessage({ id: "droplet.delete" })}: ${cluster.name}`} isOpen onClose={onClose}>
      {remove.failure && <Failure of={remove.failure} />}
      {remove.errorsBeside([]).map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
      <div className="row">
        <Button tone="danger" onPress={() => void run()} isDisabled={remove.isRunning}>
          <FormattedMessage id="droplet.delete" />
        </Button>
        <Button onPress={onClose}>
          <FormattedMessage id="cancel" />
        </Button>
      </div>
    </Dialog>
  );
}
