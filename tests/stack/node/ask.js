// Asks a running stack through the official JavaScript clients, and prints what they made of the answers as one JSON
// object. Run in the folder where they are installed: node ask.js BASE_URL API_KEY ACCOUNT TOKEN TOKEN_WITHOUT_RIGHTS
const { createRequire } = require("node:module");
const installed = createRequire(`${process.cwd()}/package.json`);
const { Client, getLagoError } = installed("lago-javascript-client");
const docusign = installed("docusign-esign");

const [baseUrl, apiKey, account, token, tokenWithoutRights] = process.argv.slice(2);

const lago = (key) => Client(key, { baseUrl: `${baseUrl}/api/v1` }).analytics;

const billing = (userToken) => {
  const client = new docusign.ApiClient({ basePath: `${baseUrl}/restapi` });
  client.addDefaultHeader("Authorization", `Bearer ${userToken}`);
  return new docusign.BillingApi(client);
};

const refusal = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error.response?.data ?? error.response?.body ?? (await getLagoError(error));
  }
  throw new Error("was not refused");
};

const main = async () => ({
  balances: (await lago(apiKey).findAllOverdueBalances({ currency: "GBP", months: 2 })).data,
  collections: (await lago(apiKey).findAllInvoiceCollections({ currency: "USD" })).data,
  invalid: await refusal(lago(apiKey).findAllOverdueBalances({ months: 0 })),
  unauthorised: await refusal(lago("nonsense").findAllInvoiceCollections()),
  pastDue: await billing(token).listInvoicesPastDue(account),
  noAdministrator: await refusal(billing(tokenWithoutRights).listInvoicesPastDue(account)),
});

main().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
