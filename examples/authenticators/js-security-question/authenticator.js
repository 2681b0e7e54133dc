// A security question as a further factor. The person chooses one and answers it; later the same answer
// lets them in. The kernel seals what is kept and counts wrong answers; this file asks and compares.

import { list, add, remove } from "postern:idp/credentials@0.1.0";

const CONTEXT = "https://sso.example.com/contexts/security-question";
const QUESTIONS = ["first-pet", "first-street", "first-teacher"];

// Texts are keys: of the translations below, or else of the host's own messages.
const text = (key, values = {}) => ({
  key,
  arguments: Object.entries(values).map(([name, value]) => ({ name, value })),
});

// Every key in English at least.
const TEXTS = {
  en: {
    title: "Security question",
    set: "Choose a question",
    question: "Question",
    answer: "Answer",
    wrong: "That is not the answer.",
    short: "The answer needs {shortest} letters at least.",
    "first-pet": "What was your first pet called?",
    "first-street": "In which street did you grow up?",
    "first-teacher": "Who was your first teacher?",
  },
  de: {
    title: "Sicherheitsfrage",
    set: "Frage wählen",
    question: "Frage",
    answer: "Antwort",
    wrong: "Das ist nicht die Antwort.",
    short: "Die Antwort braucht mindestens {shortest} Buchstaben.",
    "first-pet": "Wie hieß Ihr erstes Haustier?",
    "first-street": "In welcher Straße sind Sie aufgewachsen?",
    "first-teacher": "Wie hieß Ihre erste Lehrkraft?",
  },
};

const translations = Object.entries(TEXTS).flatMap(([language, texts]) =>
  Object.entries(texts).map(([key, text]) => ({ language, key: `question.${key}`, text })),
);

const answerField = (label) => ({
  tag: "field",
  val: { name: "answer", kind: "secret", label, value: "", required: true, autocomplete: "off" },
});

const challenge = (title, elements, error) => ({
  tag: "challenge",
  val: { title, elements, submit: text("sign-in.submit"), error, state: new Uint8Array() },
});

const unavailable = (reason) => ({ tag: "unavailable", val: reason });

// The value of the field that came exactly once.
const only = (fields, name) => {
  const values = fields.filter((field) => field.name === name);
  return values.length === 1 ? values[0].value : undefined;
};

// Capitals and spaces do not matter: people don't remember how they typed it.
const plain = (answer) => answer.toLowerCase().split(/\s+/).filter(Boolean).join(" ");

const encode = (record) => new TextEncoder().encode(JSON.stringify(record));
const decode = (data) => JSON.parse(new TextDecoder().decode(data));

// As long for a wrong answer as for the right one.
const same = (one, other) => {
  let differs = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) differs |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return differs === 0;
};

const shortest = (context) => JSON.parse(context.settings).shortest_answer ?? 3;

function enrol(context, form) {
  const options = QUESTIONS.map((value) => ({ value, label: text(`question.${value}`) }));
  const ask = (error) =>
    challenge(
      text("question.set"),
      [
        { tag: "choice", val: { name: "question", label: text("question.question"), options } },
        answerField(text("question.answer")),
      ],
      error,
    );
  if (!form) return ask();
  const question = only(form, "question");
  const answer = plain(only(form, "answer") ?? "");
  if (!QUESTIONS.includes(question)) return ask();
  if (answer.length < shortest(context)) {
    return ask(text("question.short", { shortest: String(shortest(context)) }));
  }
  const { subject } = context.person;
  // One question a person: the new one takes the place of the old one.
  for (const old of list(subject)) remove(subject, old.id);
  add(subject, "", encode({ question, answer }));
  return { tag: "enrolled" };
}

function confirm(context, form) {
  const [record] = list(context.person.subject);
  if (!record) return { tag: "not-enrolled" };
  const { question, answer } = decode(record.data);
  if (!QUESTIONS.includes(question)) return unavailable("a record is not one of this component's");
  const ask = (error) =>
    challenge(text("question.title"), [answerField(text(`question.${question}`))], error);
  if (!form) return ask();
  if (!same(plain(only(form, "answer") ?? ""), answer)) return ask(text("question.wrong"));
  return {
    tag: "authenticated",
    val: {
      who: { tag: "account", val: context.person.subject },
      methods: ["kba"],
      context: CONTEXT,
      remember: undefined,
    },
  };
}

const step = (context, form) => {
  if (!context.person) return unavailable("it confirms somebody who is known: it is no first step");
  return context.purpose === "enrol" ? enrol(context, form) : confirm(context, form);
};

export const authenticator = {
  describe: () => ({
    name: "js-security-question",
    version: "1.0.0",
    title: text("question.title"),
    factors: ["knowledge"],
    methods: ["kba"],
    contexts: [CONTEXT],
    identifies: false,
    enrols: true,
    settingsSchema: JSON.stringify({
      type: "object",
      additionalProperties: false,
      properties: { shortest_answer: { type: "integer", minimum: 1, maximum: 20 } },
    }),
    translations,
  }),
  begin: (context) => step(context),
  proceed: (context, state, event) => step(context, event.tag === "form" ? event.val : []),
};
