
// Which view is shown, and the turn that keeps it new.
const poll_ms = 2000;
const views = {
  plant: async () => { await Promise.all([show_engine(), show_plant(), show_short_alarms()]); await show_chart(); },
  alarms: show_alarms, anomalies: show_anomalies, performance: show_performance,
};
const view_shown = () => location.hash.slice(1) in views ? location.hash.slice(1) : 'plant';
function show_view() {
  for (const name of Object.keys(views)) $('view_' + name).hidden = name !== view_shown();
  for (const link of $('views').children) {
    if (link.hash.slice(1) === view_shown()) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
async function show_now() {
  try {
    await ask('/ready');
    if (!factories.length) await load_plant();
    await Promise.all([views[view_shown()](), count_alarms(), count_anomalies()]);
    $('state').textContent = '● live';
    $('state').className = 'good';
  } catch (error) { show_trouble(error); }
}
async function turn() {
  if (!document.hidden && !$('order').open) await show_now();
  setTimeout(turn, poll_ms);
}
addEventListener('hashchange', () => { show_view(); show_now(); });
$('who').value = localStorage.getItem('who') || '';
$('who').onchange = () => keep_name($('who').value.trim());
show_view();
turn();
