/** Provisions a droplet from the catalogue. */
import { useState, type FormEvent } from "react";
import { FormattedMessage, useIntl } from "react-intl";
import { useNavigate } from "react-router";

import { Catalogue, ProvisionDroplet } from "../droplets/documents";
import { send } from "../graphql/transport";
import { useQuery } from "../live/use";
import { useMoney } from "../ui/format";
import { useMutation } from "../ui/mutate";
import { Button, Failure, Select, TextField } from "../ui/parts";

const FIELDS = ["name", "size", "region", "image", "tags"] as const;

export default function Provision() {
  const intl = useIntl();
  const money = useMoney();
  const navigate = useNavigate();
  const loaded = useQuery("catalogue", () => send(Catalogue, {}));
  const catalogue = loaded.data?.catalogue;
  const provision = useMutation(ProvisionDroplet);
  const [input, setInput] = useState({ name: "", size: "", region: "", image: "", tags: "" });
  const size = catalogue?.sizes.find((one) => one.slug === (input.size || catalogue.sizes[0]?.slug));
  // Only what fits together can be chosen.
  const regions = catalogue?.regions.filter((region) => size?.regions.includes(region.slug)) ?? [];
  const images = catalogue?.images.filter((image) => size && image.minDiskGib <= size.diskGib) ?? [];
  const region = regions.find((one) => one.slug === input.region) ?? regions[0];
  const image = images.find((one) => one.slug === input.image) ?? images[0];
  const change = (field: keyof typeof input) => (value: string) => setInput({ ...input, [field]: value });
  const title = (id: string) => intl.formatMessage({ id });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!size || !region || !image) return;
    const tags = input.tags.split(",").map((tag) => tag.trim()).filter(Boolean);
    const done = await provision.run({ name: input.name, size: size.slug, region: region.slug, image: image.slug, tags });
    if (done?.droplet) void navigate(`/droplets/${done.droplet.id}`);
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <h1>
        <FormattedMessage id="provision.title" />
      </h1>
      {loaded.failure && <Failure of={loaded.failure} onRetry={loaded.reload} />}
      <TextField label={title("droplet.name")} help={title("provision.nameHelp")} value={input.name} onChange={change("name")} error={provision.errorAt("name")} isRequired autoFocus />
      <Select
        label={title("droplet.size")}
        value={size?.slug ?? ""}
        onChange={change("size")}
        error={provision.errorAt("size")}
        options={(catalogue?.sizes ?? []).map((one) => ({
          value: one.slug,
          label: `${one.slug}: ${intl.formatMessage({ id: "droplet.machine" }, { vcpus: one.vcpus, memory: one.memoryMib, disk: one.diskGib })}`,
        }))}
      />
      <Select label={title("droplet.region")} value={region?.slug ?? ""} onChange={change("region")} error={provision.errorAt("region")} options={regions.map((one) => ({ value: one.slug, label: one.name }))} />
      <Select label={title("droplet.image")} value={image?.slug ?? ""} onChange={change("image")} error={provision.errorAt("image")} options={images.map((one) => ({ value: one.slug, label: one.name }))} />
      <TextField label={title("provision.tags")} value={input.tags} onChange={change("tags")} error={provision.errorAt("tags")} />
      {size && (
        <p aria-live="polite">
          <FormattedMessage id="provision.price" values={{ monthly: money(size.priceMonthly.micros), hourly: size.priceHourly.display }} />
        </p>
      )}
      {provision.failure && <Failure of={provision.failure} />}
      {provision.errorsBeside(FIELDS).map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
      <div className="row">
        <Button tone="primary" type="submit" isDisabled={provision.isRunning || !size}>
          <FormattedMessage id="provision.submit" />
        </Button>
      </div>
    </form>
  );
}
