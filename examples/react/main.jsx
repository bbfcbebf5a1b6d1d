// Vite's own compiler takes the JSX; the plugin of React adds hot reloading.
import url from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useModel } from './use-model.js';

function App() {
  const { model, error } = useModel(url);
  const [answer, setAnswer] = useState('');

  async function classify({ target }) {
    try {
      const predictions = await model.classify(target.files[0], { top: 3 });
      setAnswer(predictions.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`).join(', '));
    } catch ({ message }) {
      setAnswer(message);
    }
  }

  if (error) return <p role="alert">{error.message}</p>;
  return (
    <main>
      <h1>What is on the picture?</h1>
      <input id="file" type="file" accept="image/*" aria-label="A picture" disabled={!model} onChange={classify} />
      <output id="answer">{answer}</output>
    </main>
  );
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
