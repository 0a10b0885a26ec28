/** The platform for operators: its parts, its projections and their parked streams. */
import { useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";

import { send } from "../graphql/transport";
import { useQuery } from "../live/use";
import {
  PauseProjection,
  PlatformQuery,
  RebuildProjection,
  ResumeProjection,
  RetryParkedStream,
  SkipParkedStream,
  type Projection,
} from "../platform/documents";
import { Progress, Status } from "../ui/format";
import { useMutation } from "../ui/mutate";
import { Button, Dialog, Failure, TextField } from "../ui/parts";

const EVERY = 2_000;

export default function PlatformPage() {
  const loaded = useQuery("platform", () => send(PlatformQuery, {}), EVERY);
  const platform = loaded.data?.platform;
  return (
    <>
      <div className="head">
        <h1>
          <FormattedMessage id="nav.platform" />
        </h1>
        {platform && (
          <span className="quiet">
            <FormattedMessage id="platform.position" values={{ version: platform.version, position: platform.position }} />
          </span>
        )}
      </div>
      {loaded.failure && <Failure of={loaded.failure} onRetry={loaded.reload} />}
      <section className="cards">
        {platform?.parts.map((part) => (
          <div className="card" key={part.name}>
            <div>{part.name}</div>
            <div className={`badge ${part.ready ? "good" : "bad"}`}>
              <FormattedMessage id={part.ready ? "platform.ready" : "platform.notReady"} />
            </div>
            {part.reason && <p className="quiet">{part.reason}</p>}
          </div>
        ))}
      </section>
      {platform?.projections.map((projection) => (
        <OneProjection key={projection.name} projection={projection} onChanged={loaded.reload} />
      ))}
    </>
  );
}

function OneProjection({ projection, onChanged }: { projection: Projection; onChanged(): void }) {
  const intl = useIntl();
  const [asking, setAsking] = useState<"pause" | "rebuild" | null>(null);
  const resume = useMutation(ResumeProjection);
  const { building, failure, pause } = projection;
  const onResume = async () => {
    await resume.run({ projection: projection.name });
    onChanged();
  };
  return (
    <section className="card" aria-label={projection.name}>
      <div className="head">
        <h2>{projection.name}</h2>
        <Status of={projection.state} />
        <span className="grow" />
        {projection.state === "PAUSED" ? (
          <Button onPress={() => void onResume()}>
            <FormattedMessage id="platform.resume" />
          </Button>
        ) : (
          <Button onPress={() => setAsking("pause")}>
            <FormattedMessage id="platform.pause" />
          </Button>
        )}
        <Button onPress={() => setAsking("rebuild")} isDisabled={building !== null}>
          <FormattedMessage id="platform.rebuild" />
        </Button>
      </div>
      <p className="quiet">
        <FormattedMessage
          id="platform.lag"
          values={{ events: Number(projection.lagEvents), seconds: projection.lagSeconds, generation: projection.generation }}
        />
      </p>
      {pause && (
        <p className="notice">
          <FormattedMessage id="platform.pausedBy" values={{ by: pause.by, reason: pause.reason }} />
        </p>
      )}
      {building && <Progress percent={Math.round(building.share * 100)} label={intl.formatMessage({ id: "platform.rebuild" })} />}
      {failure && (
        <p className="notice bad">
          <FormattedMessage id="platform.failed" values={{ differences: failure.differences }} />
        </p>
      )}
      {resume.failure && <Failure of={resume.failure} />}
      {projection.parked.nodes.map((stream) => (
        <Parked key={stream.resourceId} projection={projection.name} stream={stream} onChanged={onChanged} />
      ))}
      {asking && <Ask what={asking} projection={projection.name} onClose={() => setAsking(null)} onChanged={onChanged} />}
    </section>
  );
}

function Ask({ what, projection, onClose, onChanged }: { what: "pause" | "rebuild"; projection: string; onClose(): void; onChanged(): void }) {
  const intl = useIntl();
  const [reason, setReason] = useState("");
  const run = useMutation(what === "pause" ? PauseProjection : RebuildProjection);
  const onConfirm = async () => {
    if (await run.run({ projection, reason })) {
      onChanged();
      onClose();
    }
  };
  return (
    <Dialog title={`${intl.formatMessage({ id: `platform.${what}` })}: ${projection}`} isOpen onClose={onClose}>
      <TextField label={intl.formatMessage({ id: "job.cancelReason" })} value={reason} onChange={setReason} error={run.errorAt("reason")} autoFocus />
      {run.failure && <Failure of={run.failure} />}
      {run.errorsBeside(["reason"]).map((sentence) => (
        <p className="error" role="alert" key={sentence}>
          {sentence}
        </p>
      ))}
      <div className="row">
        <Button tone="primary" onPress={() => void onConfirm()} isDisabled={run.isRunning}>
          <FormattedMessage id="confirm" />
        </Button>
        <Button onPress={onClose}>
          <FormattedMessage id="cancel" />
        </Button>
      </div>
    </Dialog>
  );
}

function Parked({ projection, stream, onChanged }: { projection: string; stream: Projection["parked"]["nodes"][number]; onChanged(): void }) {
  const intl = useIntl();
  const [isSkipping, setSkipping] = useState(false);
  const [reason, setReason] = useState("");
  const retry = useMutation(RetryParkedStream);
  const skip = useMutation(SkipParkedStream);
  const input = { projection, resourceId: stream.resourceId };
  const onRetry = async () => {
    await retry.run(input);
    onChanged();
  };
  const onSkip = async () => {
    if (await skip.run({ ...input, reason })) {
      setSkipping(false);
      onChanged();
    }
  };
  return (
    <div className="notice bad row">
      <span>
        <code>{stream.resourceId}</code> {stream.eventType} {stream.version}: {stream.reason}
      </span>
      <Button onPress={() => void onRetry()} isDisabled={retry.isRunning}>
        <FormattedMessage id="retry" />
      </Button>
      <Button tone="danger" onPress={() => setSkipping(true)}>
        <FormattedMessage id="platform.skip" />
      </Button>
      {retry.failure && <Failure of={retry.failure} />}
      {isSkipping && (
        <Dialog title={intl.formatMessage({ id: "platform.skip" })} isOpen onClose={() => setSkipping(false)}>
          <TextField label={intl.formatMessage({ id: "job.cancelReason" })} value={reason} onChange={setReason} error={skip.errorAt("reason")} autoFocus />
          {skip.failure && <Failure of={skip.failure} />}
          <Button tone="danger" onPress={() => void onSkip()} isDisabled={skip.isRunning}>
            <FormattedMessage id="platform.skip" />
          </Button>
        </Dialog>
      )}
    </div>
  );
}
