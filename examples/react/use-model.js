import { load } from 'depthwise';
import { useEffect, useState } from 'react';

/** { model } once it is loaded, { error } if that failed, before that {}. */
export function useModel(url) {
  const [state, setState] = useState({});
  useEffect(() => {
    const stop = new AbortController();
    let model;
    load(url, { signal: stop.signal }).then(
      (loaded) => {
        model = loaded;
        setState({ model });
      },
      (error) => {
        if (!stop.signal.aborted) setState({ error });
      },
    );
    return () => {
      stop.abort();
      model?.dispose();
      setState({});
    };
  }, [url]);
  return state;
}
