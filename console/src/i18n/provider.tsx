/** Languages: the messages of the console, and which of them a person reads. */
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { I18nProvider } from "react-aria-components";
import { IntlProvider } from "react-intl";

import english from "./en.json";

export type Language = "en" | "de";

const KEY = "clustergenie.language";
const OTHERS: Record<Exclude<Language, "en">, () => Promise<{ default: Record<string, string> }>> = {
  de: () => import("./de.json"),
};

interface Choice {
  language: Language;
  choose(language: Language): void;
}

const LanguageContext = createContext<Choice>({ language: "en", choose: () => {} });

export const useLanguage = () => useContext(LanguageContext);

function preferred(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "de") return stored;
  return navigator.language.startsWith("de") ? "de" : "en";
}

/** Provides the texts of the chosen language; English ones until they are loaded. */
export function Languages({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferred);
  const [messages, setMessages] = useState<Record<string, string>>(english);
  useEffect(() => {
    let isCurrent = true;
    document.documentElement.lang = language;
    const loading = language === "en" ? Promise.resolve(english) : OTHERS[language]().then((all) => all.default);
    void loading.then((all) => isCurrent && setMessages(all));
    return () => void (isCurrent = false);
  }, [language]);
  const choose = (chosen: Language) => {
    localStorage.setItem(KEY, chosen);
    setLanguage(chosen);
  };
  // Dates and numbers as the browser's region writes them, if it speaks the language.
  const locale = navigator.languages.find((one) => one.startsWith(language)) ?? language;
  return (
    <LanguageContext value={{ language, choose }}>
      <I18nProvider locale={locale}>
        <IntlProvider locale={locale} messages={messages} defaultLocale="en">
          {children}
        </IntlProvider>
      </I18nProvider>
    </LanguageContext>
  );
}
