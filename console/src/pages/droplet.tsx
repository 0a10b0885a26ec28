/** One droplet: its state, its actions, its jobs and its events. */
import { useState, type FormEvent } from "react";
import { FormattedMessage, useIntl } from "react-intl";
import { useParams } from "react-router";

import { ConfirmDelete } from "../droplets/confirm-delete";
import { ProtectDroplet, RenameDroplet, TagDroplet, UnprotectDroplet, UntagDroplet, type Droplet } from "../droplets/documents";
import { oneDroplet } from "../droplets/source";
import { Timeline } from "../history/timeline";
import { JobTable } from "../jobs/table";
import { useLive } from "../live/use";
import { Status, Time, useMoney } from "../ui/format";
import { useMutation } from "../ui/mutate";
import { Button, Copy, Dialog, Failure, Freshness, TextField } from "../ui/parts";

export default function DropletPage() {
  const { id = "" } = useParams();
  const live = useLive(id, () => oneDroplet(id));
  const droplet = live.rows[0];
  if (live.failure) return <Failure of={live.failure} onRetry={live.retry} />;
  if (!droplet) {
    return (
      <p className="state">
        <FormattedMessage id={live.isLoading ? "live.loading" : "droplet.missing"} />
      </p>
    );
  }
  return (
    <>
      <div className="head">
        <h1>{droplet.name}</h1>
        <Status of={droplet.status} />
        <Freshness live={live} />
        <span className="grow" />
        <Actions droplet={droplet} onWritten={live.written} />
      </div>
      <section className="card">
        <Facts droplet={droplet} />
        <Tags droplet={droplet} onWritten={live.written} />
      </section>
      <section>
        <h2>
          <FormattedMessage id="droplet.jobs" />
        </h2>
        <JobTable query={{ statuses: [], droplet: droplet.id }} isShort />
      </section>
      <section className="card">
        <h2>
          <FormattedMessage id="droplet.timeline" />
        </h2>
        <Timeline resource={droplet.id} version={droplet.version} />
      </section>
    </>
  );
}

interface OfDroplet {
  droplet: Droplet;
  onWritten(droplet: Droplet): void;
}

function Actions({ droplet, onWritten }: OfDroplet) {
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const protect = useMutation(droplet.protected ? UnprotectDroplet : ProtectDroplet);
  const isOver = droplet.status === "DELETED" || droplet.status === "DELETING";
  const toggle = async () => {
    const done = await protect.run({ id: droplet.id });
    if (done?.droplet) onWritten(done.droplet);
  };
  return (
    <div className="row">
      <Button onPress={() => setOpen("rename")} isDisabled={isOver}>
        <FormattedMessage id="droplet.rename" />
      </Button>
      <Button onPress={() => void toggle()} isDisabled={isOver || protect.isRunning}>
        <FormattedMessage id={droplet.protected ? "droplet.unprotect" : "droplet.protect"} />
      </Button>
      <Button tone="danger" onPress={() => setOpen("delete")} isDisabled={isOver}>
        <FormattedMessage id="droplet.delete" />
      </Button>
      {protect.failure && <Failure of={protect.failure} />}
      {protect.errorsBeside([]).map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
      {open === "rename" && <Rename droplet={droplet} onWritten={onWritten} onClose={() => setOpen(null)} />}
      <ConfirmDelete droplets={[droplet]} isOpen={open === "delete"} onClose={() => setOpen(null)} onDeleted={onWritten} />
    </div>
  );
}

function Rename({ droplet, onWritten, onClose }: OfDroplet & { onClose(): void }) {
  const intl = useIntl();
  const [name, setName] = useState(droplet.name);
  const rename = useMutation(RenameDroplet);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await rename.run({ id: droplet.id, name });
    if (done?.droplet) {
      onWritten(done.droplet);
      onClose();
    }
  };
  return (
    <Dialog title={intl.formatMessage({ id: "droplet.rename" })} isOpen onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <TextField label={intl.formatMessage({ id: "droplet.name" })} value={name} onChange={setName} error={rename.errorAt("name")} autoFocus />
        {rename.failure && <Failure of={rename.failure} />}
        {rename.errorsBeside(["name"]).map((sentence) => (
          <p className="error" role="alert" key={sentence}>
            {sentence}
          </p>
        ))}
        <div className="row">
          <Button tone="primary" type="submit" isDisabled={rename.isRunning}>
            <FormattedMessage id="droplet.rename" />
          </Button>
          <Button onPress={onClose}>
            <FormattedMessage id="cancel" />
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Tags({ droplet, onWritten }: OfDroplet) {
  const intl = useIntl();
  const [tag, setTag] = useState("");
  const add = useMutation(TagDroplet);
  const remove = useMutation(UntagDroplet);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await add.run({ id: droplet.id, tag });
    if (done?.droplet) {
      onWritten(done.droplet);
      setTag("");
    }
  };
  const take = async (name: string) => {
    const done = await remove.run({ id: droplet.id, tag: name });
    if (done?.droplet) onWritten(done.droplet);
  };
  const errors = [...add.errorsBeside(["tag"]), ...remove.errorsBeside([])];
  return (
    <form className="row" onSubmit={(event) => void submit(event)}>
      <div>
        {droplet.tags.map((name) => (
          <span className="tag" key={name}>
            {name}
            <Button tone="plain" aria-label={intl.formatMessage({ id: "droplet.removeTag" }, { tag: name })} onPress={() => void take(name)}>
              ×
            </Button>
          </span>
        ))}
      </div>
      <TextField label={intl.formatMessage({ id: "droplet.tag" })} value={tag} onChange={setTag} error={add.errorAt("tag")} />
      <Button type="submit" isDisabled={add.isRunning || tag === ""}>
        <FormattedMessage id="droplet.addTag" />
      </Button>
      {errors.map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
    </form>
  );
}

function Facts({ droplet }: { droplet: Droplet }) {
  const money = useMoney();
  const machine = { vcpus: droplet.vcpus, memory: droplet.memoryMib, disk: droplet.diskGib };
  return (
    <dl className="facts">
      <dt><FormattedMessage id="droplet.id" /></dt>
      <dd><Copy text={droplet.id} /></dd>
      <dt><FormattedMessage id="droplet.size" /></dt>
      <dd>{droplet.sizeSlug}: <FormattedMessage id="droplet.machine" values={machine} /></dd>
      <dt><FormattedMessage id="droplet.region" /></dt>
      <dd>{droplet.regionSlug}</dd>
      <dt><FormattedMessage id="droplet.image" /></dt>
      <dd>{droplet.imageSlug}</dd>
      <dt><FormattedMessage id="droplet.addresses" /></dt>
      <dd>{droplet.addresses.length === 0 ? "–" : droplet.addresses.map((one) => <Copy key={one.ip} text={one.ip} />)}</dd>
      <dt><FormattedMessage id="droplet.price" /></dt>
      <dd>{money(droplet.priceMonthly.micros)}</dd>
      <dt><FormattedMessage id="droplet.protected" /></dt>
      <dd><FormattedMessage id={droplet.protected ? "yes" : "no"} /></dd>
      {droplet.failureReason && (
        <>
          <dt><FormattedMessage id="droplet.failure" /></dt>
          <dd>{droplet.failureReason}</dd>
        </>
      )}
      <dt><FormattedMessage id="droplet.created" /></dt>
      <dd><Time at={droplet.createdAt} /></dd>
      <dt><FormattedMessage id="droplet.updated" /></dt>
      <dd><Time at={droplet.updatedAt} /></dd>
    </dl>
  );
}
