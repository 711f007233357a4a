
// How the alarms of a span were to live with.
const performance_ms = 30000;
const percent = value => `${Math.round(value * 1000) / 10} %`;
const figure_words = {
  average_per_10_minutes: ['Alarms in ten minutes, on average', number], peak_in_10_minutes: ['Most alarms in ten minutes', number],
  share_of_10_minutes_above_10: ['Ten-minute spans with more than ten', percent], share_of_time_in_flood: ['Time in flood', percent],
  share_of_top_ten: ['Share of the ten most frequent', percent], chattering_limits: ['Chattering limits', number],
  standing_over_24_h: ['Standing for more than a day, at once', number],
  median_seconds_to_acknowledge: ['Time to acknowledge, median', value => value === null ? '–' : span_of(value * 1000)],
  by_priority: ['By priority 1, 2, 3, 4', value => Object.values(value).join(', ')],
};
const verdicts = {good: ['✓ good', 'good'], manageable: ['~ manageable', 'high'], bad: ['✗ too much', 'bad']};
let performance_at = -Infinity;
async function show_performance() {
  fill_factories($('performance_factory'));
  if (performance.now() - performance_at < performance_ms) return;
  performance_at = performance.now();
  const from_ms = Date.now() - $('performance_days').value * 86400000, factory = $('performance_factory').value;
  const report = await ask(`/api/alarms/performance?from=${Math.floor(from_ms)}${factory && '&factory_id=' + factory}`);
  $('performance_text').textContent = `${count(report.alarms)} alarms from ${time(report.from)} to ${time(report.to)}; ${count(report.hushed)} more were shelved, suppressed or out of service.`;
  $('figures').replaceChildren(...Object.entries(report.figures).map(([name, figure]) => {
    const [words, written] = figure_words[name] || [name.replace(/_/g, ' '), String];
    const [verdict, kind] = verdicts[figure.verdict] || [figure.verdict, ''];
    const name_cell = node('td', words), bound = figure.recommended.replace('0.01', '1 %').replace('0.05', '5 %').replace('600', '10 min');
    name_cell.append(node('small', bound, {class: 'bound'}));
    return row([name_cell, number_cell(written(figure.value)), node('td', verdict, {class: 'level time ' + kind})]);
  }));
  const limits = report.top_ten.map(limit => row([cell_of(sensor_button({id: limit.sensor_id, name: limit.sensor || 'sensor ' + limit.sensor_id})), limit.rule || own_limits[limit.source] || limit.source,
    number_cell(count(limit.alarms)), number_cell(percent(limit.share)), number_cell(limit.chattering_minutes || '')]));
  $('top_ten').replaceChildren(...(limits.length ? limits : [empty_row('None', 5)]));
}
for (const id of ['performance_days', 'performance_factory']) $(id).onchange = () => { performance_at = -Infinity; show_now(); };
