// The five stages of a move, and which one it is in.

import { fill, h } from './dom.js';
import { t } from './language.js';

const STAGES = ['check', 'first', 'dns', 'final', 'done'];

/** Which stage a state belongs to, from 0; none for a request that ended before its time. */
export function stageOf(state) {
  return {
    awaiting_upload: 0, checking: 0, needs_attention: 0, scheduled: 1, first_pass: 1, awaiting_cutover: 2, final_pass: 3,
    completed: 4, completed_with_exceptions: 4, later_pass: 4,
  }[state] ?? null;
}

export function stages() {
  const element = h('ol', { class: 'stages', 'aria-label': t('request.stages') });
  let shown;
  const update = ({ state }) => {
    const now = stageOf(state);
    element.hidden = now === null;
    if (now === null || shown === state) return;
    shown = state;
    fill(element, STAGES.map((name, at) => {
      const isDone = at < now || now === 4;
      const isNow = at === now;
      const tale = isDone ? t('request.stage_done') : isNow ? t('request.stage_now') : '';
      const kind = [isDone && 'done', isNow && 'now', isNow && now < 4 && 'partly'].filter(Boolean).join(' ');
      return h('li', { class: kind, 'aria-current': isNow ? 'step' : null },
        h('span', {}, t(`request.stage.${name}`)), tale && h('span', { class: 'unseen' }, ` (${tale})`));
    }));
  };
  return { element, update };
}
