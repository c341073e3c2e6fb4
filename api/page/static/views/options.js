// How clips are scored: what is not chosen is left to the service.

import { fill, h, icon } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { percent } from "../formats.js";
import { rulesOf } from "./rules.js";

const FUSIONS = {
  early: "Early: face and voice in one sequence",
  late: "Late: joined at the decision",
  hybrid: "Hybrid: spectrogram and face measures beside",
};
const ANALYZERS = { landmarker: "Landmarker (built in)", openface: "OpenFace" };

/**
 * Return the form of options.
 *
 * @param {import("../client.js").Client} api
 * @param {Promise<object>} facts
 */
export function optionsOf(api, facts) {
  const model = h("select", { class: "field", id: "model" }, h("option", { value: "" }, "Default"));
  const fusion = h("select", { class: "field", id: "fusion" }, h("option", { value: "" }, "As the model"));
  const analyzer = h("select", { class: "field", id: "analyzer" }, h("option", { value: "" }, "Default"));
  const windowS = number("window");
  const strideS = number("stride");
  const about = h("div", { class: "about", "aria-live": "polite" });
  const rules = rulesOf();
  const element = h("details", { class: "card options" },
    h("summary", {}, "Options"),
    h("div", { class: "stack" },
      h("div", { class: "fields" }, labelled("model", "Model", model), labelled("fusion", "Fusion", fusion),
        labelled("analyzer", "Face analyzer", analyzer),
        h("div", { class: "pair" }, labelled("window", "Window, s", windowS), labelled("stride", "Step, s", strideS))),
      about,
      rules.element));
  let models = [];
  let usual = {};

  async function load() {
    const [answer, known] = await Promise.all([api.json("/models"), facts]);
    models = answer.models;
    usual = { model: answer.default, fusions: answer.fusions };
    fill(model, h("option", { value: "" }, `Default: ${answer.default}`),
      models.map((card) => h("option", { value: card.id }, card.trained ? card.id : `${card.id} (untrained)`)));
    fill(fusion, h("option", { value: "" }, "As the model"),
      Object.keys(answer.fusions).map((name) => h("option", { value: name }, FUSIONS[name] ?? name)));
    fill(analyzer, h("option", { value: "" }, `Default: ${known.analyzer}`),
      known.analyzers.map((name) => h("option", { value: name }, ANALYZERS[name] ?? name)));
    Object.assign(windowS, { min: known.window_s.min, max: known.window_s.max, placeholder: String(known.window_s.value) });
    Object.assign(strideS, { min: known.stride_s.min, max: known.stride_s.max, placeholder: "as the window" });
    rules.allow(known.rules.most, known.rules.affect, known.for_s.max);
    tellModel();
  }

  function chosenCard() {
    const id = model.value || (fusion.value && usual.fusions?.[fusion.value]) || usual.model;
    return models.find((card) => card.id === id) ?? null;
  }

  function tellModel() {
    const card = chosenCard();
    if (!card) return;
    rules.know(card.labels);
    const { war, uar } = card.metrics;
    fill(about,
      h("p", {}, card.description),
      !card.trained && h("p", { class: "banner care" }, icon("alert"), "This model has not been trained: its numbers mean nothing."),
      card.trained && war !== undefined && h("p", { class: "quiet" },
        `Right in ${percent(war)} of test samples (${percent(uar)} averaged over emotions). Licence: ${card.licence}.`));
  }

  model.addEventListener("change", () => { fusion.value = ""; tellModel(); });
  fusion.addEventListener("change", () => { model.value = ""; tellModel(); });
  let loading = null;
  // Asked for when somebody looks: most people need none of it.
  const begin = () => {
    loading ??= load().catch((error) => {
      loading = null;
      fill(about, h("p", { class: "fault" }, sentenceOf(error)));
    });
  };
  element.addEventListener("toggle", () => element.open && begin());

  /** Return the chosen fields of POST /predict; `null`, with a mark at the place, if one is not valid. */
  function read() {
    const wrong = [...element.querySelectorAll("input, select")].find((field) => !field.checkValidity());
    if (wrong) {
      element.open = true;
      wrong.reportValidity();
      return null;
    }
    const chosen = {
      model: model.value || null,
      fusion: fusion.value || null,
      analyzer: analyzer.value || null,
      window_s: windowS.value === "" ? null : windowS.valueAsNumber,
      stride_s: strideS.value === "" ? null : strideS.valueAsNumber,
      rules: rules.read(),
    };
    return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null && value.length !== 0));
  }

  return { element, read };
}

function number(id) {
  return h("input", { class: "field", type: "number", step: "any", id, inputMode: "decimal" });
}

function labelled(id, label, field) {
  return h("p", { class: "labelled" }, h("label", { for: id }, label), field);
}
