/** Asks before droplets are deleted, and deletes them one by one. */
import { useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";

import { asFailure } from "../live/list";
import type { RequestFailure } from "../graphql/errors";
import { sendOnce, useRefusal } from "../ui/mutate";
import { Button, Dialog, Failure } from "../ui/parts";
import { DeleteDroplet, type Droplet } from "./documents";

export interface ConfirmDeleteProps {
  droplets: readonly Droplet[];
  isOpen: boolean;
  onClose(): void;
  onDeleted(droplet: Droplet): void;
}

export function ConfirmDelete({ droplets, isOpen, onClose, onDeleted }: ConfirmDeleteProps) {
  const intl = useIntl();
  const sentence = useRefusal();
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState<RequestFailure | null>(null);
  const [refused, setRefused] = useState<readonly string[]>([]);
  const close = () => {
    setRefused([]);
    setFailure(null);
    onClose();
  };
  const run = async () => {
    setRunning(true);
    setFailure(null);
    const sentences: string[] = [];
    try {
      for (const { id, name } of droplets) {
        const outcome = await sendOnce(DeleteDroplet, { id });
        if (outcome?.droplet) onDeleted(outcome.droplet);
        for (const error of outcome?.userErrors ?? []) sentences.push(`${name}: ${sentence(error)}`);
      }
      setRefused(sentences);
      if (sentences.length === 0) close();
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setRunning(false);
    }
  };
  return (
    <Dialog title={intl.formatMessage({ id: "droplet.delete" })} isOpen={isOpen} onClose={close}>
      <p>
        <FormattedMessage id="droplet.confirmDelete" values={{ count: droplets.length }} />
      </p>
      {failure && <Failure of={failure} />}
      {refused.length > 0 && (
        <div role="alert" className="error">
          <FormattedMessage id="droplet.refusals" values={{ count: refused.length }} />
          <ul>
            {refused.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </div>
      )}
      <div className="row">
        <Button tone="danger" onPress={() => void run()} isDisabled={isRunning || droplets.length === 0}>
          <FormattedMessage id="droplet.delete" />
        </Button>
        <Button onPress={close}>
          <FormattedMessage id="cancel" />
        </Button>
      </div>
    </Dialog>
  );
}
