/** The list of droplets: filters in the address bar, live rows, and actions on many. */
import { useCallback, useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";
import { Link, useNavigate } from "react-router";

import { ConfirmDelete } from "../droplets/confirm-delete";
import { Catalogue, DropletTotal, type Droplet, type DropletStatus } from "../droplets/documents";
import { dropletList, filterOf, type DropletQuery } from "../droplets/source";
import { send } from "../graphql/transport";
import { useLive, useQuery } from "../live/use";
import { useAddress, useSettled } from "../ui/address";
import { Status, Time, useMoney } from "../ui/format";
import { Grid, type Column } from "../ui/grid";
import { Button, Failure, Freshness, Select, TextField } from "../ui/parts";

const STATUSES: readonly DropletStatus[] = ["REQUESTED", "ACTIVE", "FAILED", "DELETING", "DELETED"];

export default function Droplets() {
  const intl = useIntl();
  const navigate = useNavigate();
  const [get, set] = useAddress();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isDeleting, setDeleting] = useState(false);
  const [name, tag] = [useSettled(get("name")), useSettled(get("tag"))];
  const query: DropletQuery = {
    name,
    statuses: STATUSES.filter((status) => status === get("status")),
    region: get("region"),
    size: get("size"),
    tag,
    cluster: get("cluster"),
    order: get("order") === "name" ? "NAME" : "CREATED_AT",
    direction: get("order") === "name" ? "ASCENDING" : "DESCENDING",
  };
  const key = JSON.stringify(query);
  const live = useLive(key, () => dropletList(query));
  const total = useQuery(`total ${key}`, () => send(DropletTotal, { filter: filterOf(query) }), 15_000);
  const catalogue = useQuery("catalogue", () => send(Catalogue, {})).data?.catalogue;
  const columns = useColumns();
  const title = (id: string) => intl.formatMessage({ id });
  const choices = (all: readonly { slug: string }[] | undefined) => [
    { value: "", label: title("all") },
    ...(all ?? []).map(({ slug }) => ({ value: slug, label: slug })),
  ];
  const toggle = useCallback((row: Droplet) => {
    setSelected((old) => {
      const next = new Set(old);
      if (!next.delete(row.id)) next.add(row.id);
      return next;
    });
  }, []);
  const chosen = live.rows.filter((row) => selected.has(row.id));
  return (
    <>
      <div className="head">
        <h1>
          <FormattedMessage id="nav.droplets" />
        </h1>
        <Freshness live={live} />
        <span className="quiet">
          <FormattedMessage
            id="rows.shown"
            values={{
              shown: live.rows.length,
              total: live.hasMore ? Math.max(total.data?.droplets.totalCount ?? 0, live.rows.length) : live.rows.length,
            }}
          />
        </span>
        <span className="grow" />
        <Link className="button primary" to="/droplets/new">
          <FormattedMessage id="droplets.provision" />
        </Link>
      </div>
      <div className="row">
        <TextField id="search" type="search" label={title("droplet.name")} value={get("name")} onChange={(name) => set({ name })} />
        <Select
          label={title("droplet.status")}
          value={get("status")}
          onChange={(status) => set({ status })}
          options={[
            { value: "", label: title("all") },
            ...STATUSES.map((value) => ({ value, label: title(`status.${value}`) })),
          ]}
        />
        <Select label={title("droplet.region")} value={query.region} onChange={(region) => set({ region })} options={choices(catalogue?.regions)} />
        <Select label={title("droplet.size")} value={query.size} onChange={(size) => set({ size })} options={choices(catalogue?.sizes)} />
        <TextField label={title("droplet.tag")} value={get("tag")} onChange={(tag) => set({ tag })} />
        <Select
          label={title("rows.order")}
          value={get("order")}
          onChange={(order) => set({ order })}
          options={[
            { value: "", label: title("rows.newest") },
            { value: "name", label: title("droplet.name") },
          ]}
        />
      </div>
      {chosen.length > 0 && (
        <div className="row" role="group" aria-label={intl.formatMessage({ id: "droplets.selected" }, { count: chosen.length })}>
          <span>
            <FormattedMessage id="droplets.selected" values={{ count: chosen.length }} />
          </span>
          <Button tone="danger" onPress={() => setDeleting(true)}>
            <FormattedMessage id="droplets.deleteMany" />
          </Button>
          <Button onPress={() => setSelected(new Set())}>
            <FormattedMessage id="none" />
          </Button>
        </div>
      )}
      {live.failure && <Failure of={live.failure} onRetry={live.retry} />}
      <Grid
        label={title("nav.droplets")}
        rows={live.rows}
        columns={columns}
        hasMore={live.hasMore}
        isLoading={live.isLoading}
        onMore={live.more}
        onOpen={(row) => void navigate(`/droplets/${row.id}`)}
        selected={selected}
        onSelect={toggle}
      />
      <ConfirmDelete droplets={chosen} isOpen={isDeleting} onClose={() => setDeleting(false)} onDeleted={live.written} />
    </>
  );
}

function useColumns(): readonly Column<Droplet>[] {
  const money = useMoney();
  const title = (id: string) => <FormattedMessage id={id} />;
  return [
    { key: "name", title: title("droplet.name"), width: "minmax(9rem, 2fr)", cell: (row) => <Link to={`/droplets/${row.id}`}>{row.name}</Link> },
    { key: "status", title: title("droplet.status"), width: "7rem", cell: (row) => <Status of={row.status} /> },
    { key: "size", title: title("droplet.size"), width: "minmax(8rem, 1.2fr)", cell: (row) => row.sizeSlug },
    { key: "region", title: title("droplet.region"), width: "4.5rem", cell: (row) => row.regionSlug },
    {
      key: "tags",
      title: title("droplet.tags"),
      width: "1.5fr",
      cell: (row) => row.tags.map((tag) => <span className="tag" key={tag}>{tag}</span>),
    },
    { key: "price", title: title("droplet.price"), width: "7rem", cell: (row) => money(row.priceMonthly.micros) },
    { key: "created", title: title("droplet.created"), width: "8rem", cell: (row) => <Time at={row.createdAt} /> },
  ];
}
