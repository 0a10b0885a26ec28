/** Signs in by token, until the platform has accounts. */
import { useState, type FormEvent } from "react";
import { FormattedMessage, useIntl } from "react-intl";

import { session } from "../session/session";
import { Button, TextField } from "../ui/parts";

export function SignIn() {
  const intl = useIntl();
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) session.signIn(token.trim());
  };
  return (
    <main className="signin">
      <form className="card form" onSubmit={submit}>
        <h1>
          <FormattedMessage id="session.title" />
        </h1>
        <TextField
          label={intl.formatMessage({ id: "session.token" })}
          help={intl.formatMessage({ id: "session.help" })}
          value={token}
          onChange={setToken}
          type="password"
          isRequired
          autoFocus
        />
        <Button tone="primary" type="submit">
          <FormattedMessage id="session.signIn" />
        </Button>
      </form>
    </main>
  );
}
