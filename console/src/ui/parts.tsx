/** Buttons, fields, dialogs and messages that all pages share. */
import { Component, useState, type ReactNode } from "react";
import {
  Button as AriaButton,
  Dialog as AriaDialog,
  FieldError,
  Heading,
  Input,
  Label,
  Modal,
  ModalOverlay,
  TextField as AriaTextField,
  type ButtonProps,
} from "react-aria-components";
import { FormattedMessage, useIntl } from "react-intl";

import type { RequestFailure } from "../graphql/errors";

export function Button({ tone, ...props }: ButtonProps & { tone?: "primary" | "danger" | "plain" }) {
  return <AriaButton {...props} className={`button ${tone ?? ""}`} />;
}

/** Copies a text, such as an id. */
export function Copy({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <span>
      <code>{text}</code>{" "}
      {/* Browsers let secure pages copy, and those of this machine. */}
      {window.isSecureContext && (
        <Button tone="plain" onPress={copy}>
          <FormattedMessage id={isCopied ? "copied" : "copy"} />
        </Button>
      )}
    </span>
  );
}

export interface TextFieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
  error?: string | undefined;
  help?: string;
  isRequired?: boolean;
  type?: "text" | "search" | "password";
  autoFocus?: boolean;
  id?: string;
}

export function TextField({ label, error, help, autoFocus, id, ...props }: TextFieldProps) {
  return (
    <AriaTextField {...props} className="field" isInvalid={error !== undefined} validationBehavior="aria" autoFocus={autoFocus ?? false}>
      <Label>{label}</Label>
      <Input id={id} autoComplete="off" spellCheck={false} />
      {help && <span className="quiet">{help}</span>}
      <FieldError className="error">{error}</FieldError>
    </AriaTextField>
  );
}

export interface SelectProps {
  label: string;
  value: string;
  onChange(value: string): void;
  options: readonly { value: string; label: string }[];
  error?: string | undefined;
}

/** A choice of one; the browser's own, which every keyboard and screen reader knows. */
export function Select({ label, value, onChange, options, error }: SelectProps) {
  return (
    <div className="field">
      <label>
        <span className="label">{label}</span>
        <select value={value} onChange={(event) => onChange(event.target.value)} aria-invalid={error !== undefined}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      </label>
      {error && <span className="error">{error}</span>}
    </div>
  );
}

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose(): void;
  children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal>
        <AriaDialog className="dialog">
          <Heading slot="title">{title}</Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** What went wrong with a request, and what a person can do. */
export function Failure({ of, onRetry }: { of: RequestFailure; onRetry?: () => void }) {
  return (
    <div className="notice bad row" role="alert">
      <FormattedMessage id={`failure.${of.kind}`} values={{ message: of.message }} />
      {onRetry && (
        <Button onPress={onRetry}>
          <FormattedMessage id="retry" />
        </Button>
      )}
    </div>
  );
}

/** How current a live list is. */
export function Freshness({ live }: { live: { isLive: boolean; freshAt: number | null } }) {
  const intl = useIntl();
  if (live.freshAt === null) return <span className="badge wait" role="status"><FormattedMessage id="live.loading" /></span>;
  if (live.isLive) return <span className="badge good" role="status"><FormattedMessage id="live.yes" /></span>;
  return (
    <span className="badge wait" role="status">
      <FormattedMessage id="live.no" values={{ time: intl.formatTime(live.freshAt, { timeStyle: "medium" }) }} />
    </span>
  );
}

/** Keeps a fault of one page from taking the others. */
export class Boundary extends Component<{ children: ReactNode }, { message: string | null }> {
  override state = { message: null };

  static getDerivedStateFromError(error: unknown) {
    return { message: String(error) };
  }

  override render() {
    if (this.state.message === null) return this.props.children;
    return (
      <div className="notice bad" role="alert">
        <FormattedMessage id="failure.crash" values={{ message: this.state.message }} />
      </div>
    );
  }
}
