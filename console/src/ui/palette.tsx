/** The command palette: pages by name, and droplets whose name contains the text. */
import { useState } from "react";
import { Autocomplete, Input, Label, Menu, MenuItem, SearchField } from "react-aria-components";
import { useIntl } from "react-intl";
import { useNavigate } from "react-router";

import { DropletPage } from "../droplets/documents";
import { send } from "../graphql/transport";
import { useQuery } from "../live/use";
import { PAGES } from "../pages/registry";
import { Dialog } from "./parts";

export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose(): void }) {
  const intl = useIntl();
  return (
    <Dialog title={intl.formatMessage({ id: "palette.title" })} isOpen={isOpen} onClose={onClose}>
      <Choices onClose={onClose} />
    </Dialog>
  );
}

function Choices({ onClose }: { onClose(): void }) {
  const intl = useIntl();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const name = text.trim();
  const found = useQuery(`palette ${name}`, async () => {
    if (name.length < 2) return [];
    const variables = { filter: { name }, orderBy: { field: "NAME", direction: "ASCENDING" }, after: null } as const;
    return (await send(DropletPage, variables)).droplets.nodes.slice(0, 8);
  });
  const title = (id: string) => intl.formatMessage({ id });
  const pages = [
    ...PAGES.filter((page) => page.label).map((page) => ({ to: page.path, name: title(page.label as string) })),
    { to: "/droplets/new", name: title("droplets.provision") },
  ].filter((page) => page.name.toLowerCase().includes(name.toLowerCase()));
  const droplets = (found.data ?? []).map((droplet) => ({ to: `/droplets/${droplet.id}`, name: droplet.name }));
  const choose = (key: string) => {
    onClose();
    void navigate(key);
  };
  return (
    <Autocomplete inputValue={text} onInputChange={setText}>
      <SearchField autoFocus className="field">
        <Label className="visually-hidden">{title("palette.title")}</Label>
        <Input placeholder={title("palette.placeholder")} />
      </SearchField>
      <Menu
        className="options"
        aria-label={title("palette.title")}
        items={[...pages, ...droplets]}
        onAction={(key) => choose(String(key))}
        renderEmptyState={() => <p className="state">{title("rows.empty")}</p>}
      >
        {(item) => (
          <MenuItem id={item.to} className="option" textValue={item.name}>
            {item.name}
          </MenuItem>
        )}
      </Menu>
    </Autocomplete>
  );
}
