// `data-zone` on a list of time zones: begin with the one this browser lives in.
export function bind(list) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const own = [...list.options].find((option) => option.value === timeZone);
  if (own) own.selected = true;
}
