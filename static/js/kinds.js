// `data-kinds` on the picker of what is shared: choosing a tile proposes a name and how often it is paid, as long
// as nobody has said so themselves.
export function bind(picker) {
  const { form } = picker.querySelector("input");
  const { name, unit, every } = form.elements;
  const touched = new Set();
  for (const field of [unit, every]) {
    field.addEventListener("change", () => touched.add(field));
  }
  const isNew = form.elements.people !== undefined;
  picker.addEventListener("change", propose);
  const chosen = picker.querySelector(":checked");
  if (chosen) name.placeholder = chosen.dataset.example;

  function propose({ target }) {
    name.placeholder = target.dataset.example;
    if (!isNew) return;
    if (!touched.has(unit)) unit.value = target.dataset.unit;
    if (!touched.has(every)) every.value = target.dataset.every;
  }
}
