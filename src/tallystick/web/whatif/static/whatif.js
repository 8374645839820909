// Says each slider's value as it moves, and puts the new answer in. Without it, the form does.
(() => {
  const form = document.getElementById('sliders');
  const result = document.getElementById('result');
  const state = document.getElementById('state');
  const words = ({ dataset, max }, v) => {
    if (dataset.least && v === 0) return dataset.least;
    if (dataset.most && v >= Number(max)) return dataset.most;
    return dataset.say.replace('{n}', v.toLocaleString('en-GB'));
  };
  let asked = 0;
  let timer = 0;
  const show = (input) => {
    const said = words(input, Number(input.value));
    const part = (100 * (input.value - input.min)) / (input.max - input.min);
    input.setAttribute('aria-valuetext', said);
    input.style.setProperty('--v', `${part}%`);
    form.querySelector(`output[for="${input.name}"]`).value = said;
  };
  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams(new FormData(form)).toString();
    result.classList.add('waiting');
    try {
      const reply = await fetch(`/answer?${query}`);
      if (mine !== asked) return;
      if (!reply.ok) throw new Error(String(reply.status));
      result.innerHTML = await reply.text();
      state.textContent = form.dataset.new;
      history.replaceState(null, '', `/?${query}`);
    } catch {
      state.textContent = form.dataset.failed;
    } finally {
      if (mine === asked) result.classList.remove('waiting');
    }
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(ask, 200); };
  form.querySelectorAll('input[type=range]').forEach((input) => {
    show(input);
    input.addEventListener('input', () => { show(input); later(); });
  });
  form.addEventListener('change', later);
  form.addEventListener('submit', (event) => { event.preventDefault(); ask(); });
})();
