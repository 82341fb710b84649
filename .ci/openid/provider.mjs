// Runs a certified OpenID provider (oidc-provider) on loopback, whose clients get access tokens for Rollcall with their
// client credentials. The arguments are the port and the folder in which the package is installed.
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, packages] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${packages}/package.json`));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

// The claims of each client, and the audience and the algorithm of its tokens.
const clients = {
  admin: { claims: { roles: ['rollcall-admins', 'rollcall-operators'], organizations: ['*'] }, alg: 'RS256' },
  reader: { claims: { roles: ['rollcall-readers'], organizations: ['acme'] }, alg: 'ES256' },
  stranger: { claims: { roles: ['rollcall-admins'], organizations: ['other'] }, alg: 'ES256' },
  elsewhere: { claims: { roles: ['rollcall-admins'], organizations: ['*'] }, alg: 'ES256', audience: 'other' },
};

const key = (kid, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, use: 'sig',
});

const resource = 'urn:rollcall';
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: Object.keys(clients).map((id) => ({
    client_id: id, client_secret: 'not-a-secret', token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
  })),
  jwks: { keys: [key('rsa', 'rsa', { modulusLength: 2048 }), key('ec', 'ec', { namedCurve: 'P-256' })] },
  extraTokenClaims: (_context, token) => clients[token.clientId].claims,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: (_context, _resource, client) => ({
        scope: '', audience: clients[client.clientId].audience ?? 'rollcall', accessTokenTTL: 600, accessTokenFormat: 'jwt',
        jwt: { sign: { alg: clients[client.clientId].alg } },
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1');
