/** The history for auditors: every event with its data. */
import { useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";

import { EventPage, type HistoryEvent } from "../history/documents";
import { send } from "../graphql/transport";
import { usePages } from "../live/pages";
import { useAddress } from "../ui/address";
import { Time } from "../ui/format";
import { Grid, type Column } from "../ui/grid";
import { Button, Copy, Dialog, Failure, TextField } from "../ui/parts";

export default function History() {
  const intl = useIntl();
  const [get, set] = useAddress();
  const [shown, setShown] = useState<HistoryEvent | null>(null);
  const [resource, actor] = [get("resource"), get("actor")];
  const filter = { ...(resource && { resource }), ...(actor && { actor }) };
  const pages = usePages(`${resource} ${actor}`, async (before) => {
    const { events } = await send(EventPage, { filter, before });
    const { startCursor, hasPreviousPage } = events.pageInfo;
    return { rows: events.nodes.toReversed(), next: hasPreviousPage ? startCursor : null };
  });
  const title = (id: string) => <FormattedMessage id={id} />;
  const columns: readonly Column<HistoryEvent>[] = [
    { key: "position", title: title("history.position"), width: "6rem", cell: (row) => row.position },
    {
      key: "type",
      title: title("history.type"),
      width: "1.4fr",
      cell: (row) => (
        <Button tone="plain" onPress={() => setShown(row)}>
          {row.typeName}
        </Button>
      ),
    },
    { key: "resource", title: title("history.resource"), width: "2fr", cell: (row) => <code>{row.resourceId}</code> },
    { key: "version", title: title("droplet.version"), width: "4.5rem", cell: (row) => row.version },
    { key: "actor", title: title("history.actor"), width: "1fr", cell: (row) => row.actor },
    { key: "at", title: title("history.recorded"), width: "8rem", cell: (row) => <Time at={row.recordedAt} /> },
  ];
  return (
    <>
      <h1>
        <FormattedMessage id="nav.history" />
      </h1>
      <div className="row">
        <TextField id="search" type="search" label={intl.formatMessage({ id: "history.resource" })} value={resource} onChange={(value) => set({ resource: value })} />
        <TextField label={intl.formatMessage({ id: "history.actor" })} value={actor} onChange={(value) => set({ actor: value })} />
      </div>
      {pages.failure && <Failure of={pages.failure} onRetry={pages.reload} />}
      <Grid
        label={intl.formatMessage({ id: "nav.history" })}
        rows={pages.rows}
        columns={columns}
        hasMore={pages.hasMore}
        isLoading={pages.isLoading}
        onMore={pages.more}
        onOpen={(row) => setShown(row)}
      />
      {shown && (
        <Dialog title={shown.typeName} isOpen onClose={() => setShown(null)}>
          <dl className="facts">
            <dt>{title("history.position")}</dt>
            <dd>{shown.position}</dd>
            <dt>{title("droplet.id")}</dt>
            <dd>
              <Copy text={shown.id} />
            </dd>
            <dt>{title("history.resource")}</dt>
            <dd>
              <Copy text={shown.resourceId} />
            </dd>
            <dt>{title("history.correlation")}</dt>
            <dd>
              <Copy text={shown.correlationId} />
            </dd>
            <dt>{title("history.occurred")}</dt>
            <dd>{shown.occurredAt}</dd>
          </dl>
          <pre className="mono">{JSON.stringify(shown.data, null, 2)}</pre>
          {window.isSecureContext && (
            <Button onPress={() => void navigator.clipboard.writeText(JSON.stringify(shown, null, 2))}>
              <FormattedMessage id="history.copyJson" />
            </Button>
          )}
        </Dialog>
      )}
    </>
  );
}
