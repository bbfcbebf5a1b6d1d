import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { DepthwiseError, load } from 'depthwise';

const MOST_BYTES = 20e6;

// The model in the package. A path of your own or a published name, such as 'mobilenet_v1_0.25_224', will do too.
const shipped = import.meta.resolve('depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors');
const model = await load(fileURLToPath(shipped));

const server = createServer(async (request, response) => {
  const answer = (status, json) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(json)}\n`);
  if (request.method !== 'POST') return answer(405, { error: 'POST a picture' });
  try {
    answer(200, await model.classify(await bodyOf(request), { top: 3 }));
  } catch (error) {
    if (error.code === 'picture') return answer(400, { error: error.message }); // no picture, or a damaged one
    console.error(error);
    answer(500, { error: 'this server failed' });
  }
});
server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`POST pictures to http://localhost:${server.address().port}/`);
});

async function bodyOf(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MOST_BYTES)
      throw new DepthwiseError('picture', `a picture of more than ${MOST_BYTES / 1e6} MB is not taken`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
